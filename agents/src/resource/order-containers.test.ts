import assert from "node:assert/strict";
import { test } from "node:test";
import { composePlaceOf, wavesOf } from "./order-containers.ts";

function container(id: string, dependsOn = "", project = "shop") {
	const compose = composePlaceOf({
		"com.docker.compose.project": project,
		"com.docker.compose.service": id,
		"com.docker.compose.depends_on": dependsOn,
	});
	assert.ok(compose !== undefined);
	return { id, compose };
}

const idsOf = (waves: ReturnType<typeof wavesOf>) => waves.map((wave) => wave.map(({ id }) => id));

test("who needs another is stopped before it, and those that need nobody come last", () => {
	const db = container("db");
	const queue = container("queue", "db:service_started:false");
	const web = container("web", "db:service_healthy:true,queue:service_started:false");
	const cron = container("cron", "db:service_started:false");
	assert.deepEqual(idsOf(wavesOf([db, queue, web, cron])), [["web", "cron"], ["queue"], ["db"]]);
});

test("containers that know nothing of each other are stopped at once", () => {
	const elsewhere = container("web", "db:service_started:false", "blog");
	assert.deepEqual(idsOf(wavesOf([container("db"), elsewhere, { id: "alone" }])), [["db", "web", "alone"]]);
	assert.deepEqual(wavesOf([]), []);
});

test("a circle ends at once instead of never", () => {
	const left = container("left", "right:service_started:false");
	const right = container("right", "left:service_started:false");
	assert.deepEqual(idsOf(wavesOf([container("web", "left:service_started:false"), left, right])), [
		["web"],
		["left", "right"],
	]);
});
