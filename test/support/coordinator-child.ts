/** A coordinator in a process of its own, to be killed: `node coordinator-child.ts FOLDER`. Says where it listens. */
import { startCoordinator } from "../../coordinator/main.ts";

const { endpoints } = await startCoordinator({ folder: process.argv[2] as string });
console.log(JSON.stringify(endpoints));
