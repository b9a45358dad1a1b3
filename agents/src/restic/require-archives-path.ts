import { OperationError } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";

/** What is asked of a host as a whole names the folder of its archives. @throws OperationError path-not-allowed */
export function requireArchivesPath(path: string, { archivesPath }: Pick<AgentConfig, "archivesPath">): void {
	if (path === archivesPath) return;
	throw new OperationError(
		"path-not-allowed",
		`the archives of this host lie in ${archivesPath}, not in ${path}`,
	);
}
