import "../../sdk/verify/verify.ts";
