import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../process/run.ts";

/** The Debian mirror that this machine's own apt uses. */
export async function findMirror(signal: AbortSignal): Promise<string> {
	const argv = [
		"apt-get",
		"indextargets",
		"--format",
		"$(LABEL) $(COMPONENT) $(REPO_URI)",
		"Created-By: Packages",
	];
	const { stdout } = await run(argv, { signal });
	const mirror = /^Debian main (\S+)$/m.exec(stdout)?.[1];
	if (mirror === undefined) throw new Error("apt knows no Debian mirror: see `apt-get indextargets`");
	return mirror;
}

/** Downloads packages of another Debian suite and unpacks them into `folder`, without installing them. Only those named, not what they depend on. */
export async function unpackNewer(
	{
		suite,
		names,
		folder,
	}: { readonly suite: string; readonly names: readonly string[]; readonly folder: string },
	signal: AbortSignal,
): Promise<void> {
	const apt = join(folder, ".apt");
	for (const part of ["lists/partial", "cache/archives/partial"])
		await mkdir(join(apt, part), { recursive: true });
	const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
	await writeFile(
		join(apt, "sources"),
		`deb [signed-by=${keyring}] ${await findMirror(signal)} ${suite} main\n`,
	);
	const settings = [
		`Dir::Etc::sourcelist=${join(apt, "sources")}`,
		"Dir::Etc::sourceparts=-",
		`Dir::State::lists=${join(apt, "lists")}`,
		`Dir::Cache=${join(apt, "cache")}`,
		"APT::Sandbox::User=root",
		"Acquire::Languages=none",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	].flatMap((setting) => ["--option", setting]);
	await run(["apt-get", ...settings, "update"], { signal });
	const { stdout } = await run(["apt-get", ...settings, "--print-uris", "download", ...names], {
		signal,
		cwd: apt,
	});
	await run(["apt-get", ...settings, "download", ...names], { signal, cwd: apt });
	for (const [, file] of stdout.matchAll(/^'[^']+' (\S+\.deb) /gm)) {
		if (file !== undefined) await run(["dpkg", "--extract", join(apt, file), folder], { signal });
	}
	await run(["rm", "--recursive", apt], { signal });
}
