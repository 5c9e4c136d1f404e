import "./ports/node.ts";
