import "../../coordinator/main.ts";
