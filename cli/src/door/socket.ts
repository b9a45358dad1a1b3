import { join } from "node:path";

/** Where the coordinator listens for the operator of this machine. */
export function socketPath(home: string): string {
	return join(home, "run", "davit.sock");
}
