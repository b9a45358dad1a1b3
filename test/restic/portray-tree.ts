import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { ArchiveId, FolderPath } from "@davit/protocol";
import type { Rig } from "../agents/open-rig.ts";
import { perform } from "../agents/perform.ts";

/** Names, kinds, modes, owners, links, times and contents, the root's own too. */
export function portray(path: string): string {
	const listed = spawnSync("find", [".", "-printf", "%p %y %m %U %G %n %s %T@ %l\n"], {
		cwd: path,
		encoding: "utf8",
	});
	const sums = spawnSync("sh", ["-c", "find . -type f -exec sha256sum {} +"], {
		cwd: path,
		encoding: "utf8",
	});
	return [...listed.stdout.split("\n"), ...sums.stdout.split("\n")].toSorted().join("\n");
}

/** What a restore of an archive needs, after its plan was made. */
export async function planned(rig: Rig, path: FolderPath, archive: ArchiveId) {
	const action = { action: "restore", archive } as const;
	const { result } = await perform("path.plan", { path, action }, { context: rig.context() });
	assert.deepEqual(result.blockers, []);
	return { path, archive, plan: result.digest };
}
