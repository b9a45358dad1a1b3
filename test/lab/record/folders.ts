import { homedir } from "node:os";
import { join } from "node:path";
import { ownEnvironment } from "../process/environment.ts";

/** Short, because the path of a unix socket may have at most 107 characters; and on the machine once, because names of bridges are. */
export const runsFolder = "/run/davit-lab";

/** Where built things are kept between runs, outside the checkout. */
export function cacheFolder(): string {
	const env = ownEnvironment();
	return env["DAVIT_LAB_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "davit-lab");
}
