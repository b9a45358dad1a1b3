import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { instantOf } from "@davit/protocol";
import { archiveRow, archiveTellers } from "../documents/archive-row.ts";
import { resourceRows } from "../documents/resource-row.ts";
import { archive, grafana, nas, operator, Stage, site } from "../testing/stage.ts";
import { openRecovery } from "./open-recovery.ts";
import { openKitMemory } from "./remember-kits.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-recovery-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** What every door shows of the proof of an archive that lies elsewhere too. */
function shownProofs(hasKit: boolean): unknown[] {
	using stage = new Stage({ hasKit });
	stage.host(nas);
	const away = archive(stage.nowMs - 1000, { proof: ["taken", "verified", "off-site"] });
	stage.archives(nas, grafana, [away]);
	const { parts } = stage.core;
	const [entry] = [...parts.fleet.hosts()];
	assert.ok(entry !== undefined);
	const row = archiveRow({ host: nas, resource: grafana, archive: away }, archiveTellers(parts));
	return [row.proof, ...resourceRows(parts, entry).map(({ proof }) => proof)];
}

test("nothing is called off-site before somebody has the recovery kit", () => {
	for (const proof of shownProofs(false)) assert.deepEqual(proof, ["taken", "verified"]);
	for (const proof of shownProofs(true)) assert.deepEqual(proof, ["taken", "verified", "off-site"]);
});

test("a kit counts when it is saved, and is remembered without its key", async () => {
	using stage = new Stage();
	stage.host(nas);
	const folder = mkdtempSync(join(scratch, "kits-"));
	const memory = openKitMemory(folder);
	const recovery = openRecovery(stage.core.parts, memory);
	assert.equal(recovery.document().state, "unsaved");
	const kit = await recovery.make({ withKey: false }, operator);
	assert.ok(kit.hasKey && kit.text.includes(`Recovery key ${kit.recipient}`));
	assert.equal(recovery.document().state, "unsaved");
	await assert.rejects(recovery.save("another", operator), { code: "key-invalid" });
	await recovery.save(kit.number, operator);
	assert.equal(recovery.document().state, "saved");
	const [secret = ""] = /^AGE-SECRET-KEY-1\w+$/m.exec(kit.text) ?? [];
	assert.ok(!readFileSync(join(folder, "recovery.json"), "utf8").includes(secret) && secret.length === 74);
	assert.deepEqual(openKitMemory(folder).kits, memory.kits);
	assert.ok(!(await recovery.make({ withKey: false }, operator)).hasKey);
	writeFileSync(join(folder, "recovery.json"), "{");
	assert.throws(() => openKitMemory(folder), { code: "configuration-invalid", message: /recovery\.json/ });
});

test("a kit names the restic repositories of every host, and is stale when one is added", async () => {
	using stage = new Stage();
	stage.host(nas);
	const describe = (repositories: readonly object[]) =>
		stage.receive(stage.topics.description(nas), {
			...{ version: 1, site, host: nas, davit: "0", node: "24", platform: "", publicKey: "", operations: [] },
			...{ capabilities: [], archivesPath: "/srv/archives", archivesFreeBytes: 1, repositories },
			at: instantOf(stage.nowMs),
		});
	const disk = { name: "disk", url: "/mnt/o'disk", passwordFile: "/etc/davit/disk" };
	describe([disk]);
	const recovery = openRecovery(stage.core.parts, openKitMemory(mkdtempSync(join(scratch, "kits-"))));
	const kit = await recovery.make({ withKey: true }, operator);
	for (const line of [
		"#   nas: /srv/archives (folders on this host's disk)",
		"#   nas: repository disk: /mnt/o'disk (restic; its password is in /etc/davit/disk on nas: write it on this kit, Davit does not know it)",
		"#     restic -r '/mnt/o'\\''disk' check",
		"#     restic -r '/mnt/o'\\''disk' snapshots --host nas",
		"#     restic -r '/mnt/o'\\''disk' restore SNAPSHOT --sparse --target /an/empty/folder",
	]) {
		assert.ok(kit.text.split("\n").includes(line), line);
	}
	assert.ok(kit.html.includes("<pre>restic -r '/mnt/o'\\''disk' restore SNAPSHOT"), kit.html);
	await recovery.save(kit.number, operator);
	assert.equal(recovery.document().state, "saved");
	describe([disk, { ...disk, name: "cloud", url: "s3:https://example.org/bucket" }]);
	const { state, sentence } = recovery.document();
	assert.deepEqual([state, sentence], ["stale", "The recovery kit does not know of nas: repository cloud."]);
});
