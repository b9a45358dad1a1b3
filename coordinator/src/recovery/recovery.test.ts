import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { archiveRow, archiveTellers } from "../documents/archive-row.ts";
import { resourceRows } from "../documents/resource-row.ts";
import { archive, grafana, nas, operator, Stage } from "../testing/stage.ts";
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
