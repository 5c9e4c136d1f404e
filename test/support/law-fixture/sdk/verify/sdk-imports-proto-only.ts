import "../../party/crypto/pure-code-imports-no-node.ts";
