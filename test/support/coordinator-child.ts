/** A coordinator in a process of its own, to be killed: `node coordinator-child.ts FOLDER [PORT ENROL_PORT]`. Says where it listens. */
import { startCoordinator } from "../../coordinator/main.ts";

const [folder, port = "0", enrolPort = "0"] = process.argv.slice(2) as [string, string?, string?];
const { endpoints } = await startCoordinator({ folder, port: Number(port), enrolPort: Number(enrolPort) });
console.log(JSON.stringify(endpoints));
