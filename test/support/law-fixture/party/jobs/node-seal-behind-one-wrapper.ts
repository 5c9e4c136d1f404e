import "node-seal";
