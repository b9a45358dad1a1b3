import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AgentConfig } from "@davit/agents/config.ts";
import { FolderPath, RepositoryName } from "@davit/protocol";
import { openRig, type Rig } from "../agents/open-rig.ts";
import { openRepository, type TestRepository } from "./open-repository.ts";

export interface RepositoryRig extends TestRepository {
	readonly rig: Rig;
	/** The folder that is backed up, with a file in it. */
	readonly path: FolderPath;
	readonly repository: RepositoryName;
}

/** An agent's operations with one folder and one repository; `settings` are the repository's. */
export async function openRepositoryRig(
	t: Pick<TestContext, "after">,
	settings: { readonly init?: boolean; readonly [key: string]: unknown } = {},
): Promise<RepositoryRig> {
	const opened = await openRepository(t, settings);
	const { folder, program, restic } = opened;
	const path = FolderPath.parse(join(folder, "srv/data"));
	await mkdir(path, { recursive: true });
	await writeFile(join(path, "file"), "content");
	const other = join(folder, "srv/other");
	await mkdir(other);
	const rig = await openRig({ folder, folders: [path, other] }, AbortSignal.timeout(60_000));
	const config = AgentConfig.parse({
		...rig.config,
		...{ repositories: [restic.repository], resticProgram: program },
	});
	return {
		...{ ...opened, path, repository: RepositoryName.parse("disk") },
		rig: { ...rig, config, context: (more) => rig.context({ config, ...more }) },
	};
}
