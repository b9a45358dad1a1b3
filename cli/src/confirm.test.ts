import assert from "node:assert/strict";
import test from "node:test";
import { runProgram } from "./program.ts";
import { openFakeCoordinator } from "./testing/fake-coordinator.ts";
import { openContext } from "./testing/open-context.ts";
import { openHome } from "./testing/run-davit.ts";

const words = ["restore", "nas/grafana-data@latest"];
const wish = { json: false, quiet: false, mayAsk: true };

test("on a terminal the plan is shown first, and the typed name carries it out", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	let shown = "";
	const context = openContext(home.path, {
		wish,
		ask: (question) => {
			shown = context.written.err;
			assert.match(question, /type grafana-data to replace nas\/grafana-data/);
			return Promise.resolve("grafana-data");
		},
	});
	assert.equal(await runProgram(words, context, "0"), 0);
	assert.match(shown, /1,204 entries replaced, 0 added, 17 removed/);
	assert.match(shown, /stops {7}grafana/);
	assert.ok(coordinator.asked.some((call) => call.path === "/plans/pabcdefgh/apply"));
});

test("another name, or no answer, changes nothing and ends with 2", async () => {
	await using home = await openHome();
	await using coordinator = await openFakeCoordinator(home.path);
	const answers = [
		() => Promise.resolve("yes"),
		() => Promise.reject(new DOMException("Ctrl-D", "AbortError")),
	];
	for (const ask of answers) {
		const context = openContext(home.path, { wish, ask });
		assert.equal(await runProgram(words, context, "0"), 2);
		assert.match(context.written.err, /nothing was changed/);
	}
	assert.ok(!coordinator.asked.some((call) => call.path.endsWith("/apply")));
});
