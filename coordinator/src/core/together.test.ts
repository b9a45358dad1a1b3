import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newId, RequestId } from "@davit/protocol";
import { attic, grafana, nas, Stage } from "../testing/stage.ts";

test("what comes together is committed at once, and nothing is said before", () => {
	const moments: { moment: string; sent: number }[] = [];
	let isWatched = false;
	using stage = new Stage({
		onWrite: (_point, moment) => {
			if (isWatched) moments.push({ moment, sent: stage.sent.length });
		},
	});
	for (const host of [nas, attic]) stage.host(host);
	stage.sent.length = 0;
	isWatched = true;
	stage.core.together(() => {
		for (const host of [nas, attic]) assert.equal(stage.ask({ host }).outcome, "accepted");
	});
	assert.deepEqual(
		moments,
		["before-commit", "before-commit", "after-commit", "after-commit"].map((moment) => ({ moment, sent: 0 })),
	);
	for (const host of [nas, attic]) assert.equal(stage.runCommands(host).length, 1);
	assert.equal(stage.status()?.["backup"], "requested");
});

test("when it cannot be committed nothing of it was said, memory is what the history holds, and it can be taken again", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.sync(nas);
	const id = RequestId.parse(newId());
	const earlier = stage.ask({ id });
	assert.equal(earlier.outcome, "accepted");
	const command = stage.lastCommand();
	const [said] = stage.sent.filter(({ topic }) => topic === stage.topics.command(nas)).slice(-1);
	stage.sent.length = 0;
	assert.throws(
		() =>
			stage.core.together(() => {
				stage.report(command.id, { state: "accepted", sequence: 1 });
				stage.host(attic);
				stage.ask({ host: attic });
				throw new Error("no commit");
			}),
		/no commit/,
	);
	assert.deepEqual(
		stage.sent,
		[said],
		"only the command that was committed before goes out again, as it was",
	);
	const { fleet, runs } = stage.core.parts;
	assert.equal(fleet.find(attic), undefined);
	assert.ok(fleet.isOnline(nas), "a host that is connected stays online");
	assert.deepEqual(
		runs.open().map(({ run, sequence }) => [run.state, sequence]),
		[["requested", -1]],
	);
	stage.core.together(() => stage.report(command.id, { state: "accepted", sequence: 1 }));
	assert.equal(runs.openOn(nas, grafana)?.run.state, "accepted");
	assert.equal(stage.commands().filter(({ kind }) => kind === "receipt").length, 1);
});

test("what was taken together is there in the next life", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-together-"));
	const file = join(folder, "history.sqlite");
	{
		using stage = new Stage({ file });
		stage.core.together(() => {
			stage.host(nas);
			stage.sync(nas);
			stage.ask();
		});
	}
	using next = new Stage({ file });
	assert.equal(next.core.parts.runs.openOn(nas, grafana)?.run.state, "requested");
	rmSync(folder, { recursive: true });
});
