import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import { run } from "../lab/process/run.ts";
import { openRepositorySite } from "../restic/open-repository-site.ts";
import { portray } from "../restic/portray-tree.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };

test(
	"the restic commands of a recovery kit, typed as they are printed, bring back what was backed up",
	options,
	async () => {
		await using opened = await openRepositorySite({});
		const { site, repository, passwordFile, program } = opened;
		const { folder } = site;
		await mkdir(join(folder, "odd 'name'"), { mode: 0o750 });
		await writeFile(join(folder, "odd 'name'", "inner"), "the only copy");
		const before = portray(folder);
		const made = await site.davit("backup", "photos", "--to", "disk");
		assert.equal(made.exitCode, 0, made.stderr);
		const kit = join(dirname(repository), "kit.txt");
		assert.equal((await site.davit("recovery-kit", "-o", kit)).exitCode, 0);
		await site.stop();
		await rm(folder, { recursive: true });
		await rm(site.home, { recursive: true });

		const printed = (await readFile(kit, "utf8"))
			.split("\n")
			.flatMap((line) => /^# +(restic .+)$/.exec(line)?.[1] ?? []);
		assert.equal(printed.length, 3, printed.join("\n"));
		const target = join(dirname(repository), "back");
		let snapshot = "";
		// The password is what a person wrote on the kit; nothing else of the host is there any more.
		const password = (await readFile(passwordFile, "utf8")).trim();
		const env = {
			PATH: `${dirname(program)}:/usr/bin:/bin`,
			HOME: dirname(repository),
			RESTIC_PASSWORD: password,
		};
		for (const command of printed) {
			const typed = command.replace("SNAPSHOT", snapshot).replace("/an/empty/folder", target);
			const { stdout } = await run(["sh", "-c", typed], { env, signal: AbortSignal.timeout(60_000) });
			snapshot = /^([0-9a-f]{8}) /m.exec(stdout)?.[1] ?? snapshot;
		}
		assert.equal(portray(join(target, folder)), before);
	},
);
