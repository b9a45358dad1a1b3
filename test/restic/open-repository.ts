import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Restic, requireSuccess } from "@davit/agents/restic/run-restic.ts";
import { RepositorySettings } from "@davit/agents/restic/settings.ts";
import { findRestic } from "../lab/provision/unpack-restic.ts";

export const password = "not in any log";

export interface TestRepository {
	readonly folder: string;
	readonly program: string;
	readonly restic: Restic;
}

/** A folder of its own with a password file, and the settings of a repository in it; `init` makes the repository. */
export async function openRepository(
	t: Pick<TestContext, "after">,
	{ init = true, ...more }: { readonly init?: boolean; readonly [key: string]: unknown } = {},
): Promise<TestRepository> {
	const signal = AbortSignal.timeout(120_000);
	const program = await findRestic(signal);
	const folder = await realpath(await mkdtemp(join(tmpdir(), "davit-restic-")));
	t.after(() => rm(folder, { recursive: true, force: true }));
	await mkdir(join(folder, "home"));
	const passwordFile = join(folder, "password");
	await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
	const repository = RepositorySettings.parse({
		...{ name: "disk", url: join(folder, "repository"), passwordFile },
		...more,
	});
	const restic = { program, repository, home: join(folder, "home") };
	if (init) await requireSuccess(restic, { arguments: ["init"], signal });
	return { folder, program, restic };
}
