import "../party/main.ts";
