import "../jobs/party-imports-proto-only.ts";
