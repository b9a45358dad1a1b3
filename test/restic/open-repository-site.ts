import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { openSite, type Site, startSite } from "../bad-input/open-site.ts";
import { run } from "../lab/process/run.ts";
import { findRestic } from "../lab/provision/unpack-restic.ts";

/** A site whose host has a repository `disk`, on a local path. */
export interface RepositorySite extends AsyncDisposable {
	readonly site: Site;
	/** Where the repository lies. */
	readonly repository: string;
	readonly passwordFile: string;
	/** The program restic. */
	readonly program: string;
}

/** `settings` are further ones of the repository. */
export async function openRepositorySite(
	settings: Readonly<Record<string, unknown>>,
): Promise<RepositorySite> {
	await using opened = new AsyncDisposableStack();
	const signal = AbortSignal.timeout(60_000);
	const program = await findRestic(signal);
	const folder = opened.use(await openHome()).path;
	const repository = join(folder, "repository");
	const passwordFile = join(folder, "password");
	await writeFile(passwordFile, "right\n", { mode: 0o600 });
	await run([program, "--repo", repository, "--password-file", passwordFile, "--no-cache", "init"], {
		signal,
	});
	const home = opened.use(await openHome()).path;
	const site = opened.use(await openSite({ home }));
	await site.stop();
	const file = join(home, "config", "agent.json");
	const before = JSON.parse(await readFile(file, "utf8"));
	const repositories = [{ name: "disk", url: repository, passwordFile, lockSeconds: 1, ...settings }];
	await writeFile(file, JSON.stringify({ ...before, resticProgram: program, repositories }));
	opened.use(await startSite(home, []));
	const release = opened.move();
	return { site, repository, passwordFile, program, [Symbol.asyncDispose]: () => release.disposeAsync() };
}
