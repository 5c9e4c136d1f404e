import "../../sdk/client.ts";
