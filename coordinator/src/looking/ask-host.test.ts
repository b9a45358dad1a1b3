import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunId } from "@davit/protocol";
import { archive, backupResult, grafana, nas, operator, Stage } from "../testing/stage.ts";

test("a hundred and fifty answers to browse crowd out no run, and are forgotten after ten minutes", () => {
	using stage = new Stage();
	stage.host(nas);
	const kept = archive(stage.nowMs);
	stage.archives(nas, grafana, [kept]);
	const { history } = stage.core.parts;
	stage.ask();
	const backup = stage.lastCommand();
	stage.report(backup.id, {
		...{ state: "succeeded", sequence: 1 },
		result: backupResult("0123456789", stage.nowMs),
	});
	const planned = { host: nas, resource: grafana, action: { action: "restore", archive: kept.id } } as const;
	const plan = stage.core.askPlan(planned, operator, () => undefined);
	stage.report(stage.lastCommand().id, { state: "failed", sequence: 1 });
	const looks: RunId[] = [];
	let answered = 0;
	for (let count = 0; count < 150; count += 1) {
		const question = { host: nas, resource: grafana, verb: "browse", params: { archive: kept.id } } as const;
		stage.core.askHost(question, operator, () => {
			answered += 1;
		});
		const [open] = stage.core.parts.runs.open();
		assert.ok(open !== undefined, "it is under way");
		looks.push(open.run.run);
		stage.report(open.command, { state: "succeeded", sequence: 1, result: { entries: [] } });
	}
	assert.equal(answered, 150);
	const listed = () => history.runs.list({ limit: 100, offset: 0 });
	assert.deepEqual([listed().total, listed().runs.map(({ run }) => run)], [1, [backup.run]]);

	stage.jump(9 * 60);
	assert.ok(looks.every((run) => history.runs.find(run) !== undefined));
	stage.jump(2 * 60);
	assert.ok(looks.every((run) => history.runs.find(run) === undefined));
	assert.notEqual(history.runs.find(backup.run), undefined, "what people asked for stays");
	const making = history.intents.plan(plan)?.making;
	assert.ok(making !== undefined && history.runs.find(making) !== undefined, "so does what made a plan");
	assert.equal(listed().total, 1);
	stage.jump(60);
	stage.ask();
	assert.notEqual(stage.lastCommand().id, backup.id, "and the next is taken");
});
