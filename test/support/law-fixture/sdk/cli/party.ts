import "../../party/jobs/no-circles.ts"; import "../../party/main.ts";
