import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationError, ResourceId } from "@davit/protocol";
import { archive, attic, grafana, nas, Stage } from "../testing/stage.ts";
import { resolveAddress } from "./addresses.ts";
import { archiveDocument, hostDocument, resourceDocument, runDocument } from "./details.ts";
import { archivesDocument, resourcesDocument, runsDocument } from "./lists.ts";

const [media, folder, cache] = ["volume:media", "path:/srv/media", "volume:cache"].map((id) =>
	ResourceId.parse(id),
);
assert.ok(media && folder && cache);
const old = archive(Date.parse("2026-11-20T02:14:00.000Z"), { id: "7f3a000001" as never });
const latest = archive(Date.parse("2026-11-21T02:14:00.000Z"), { id: "7f3b000001" as never });
const damaged = archive(Date.parse("2026-11-22T02:14:00.000Z"), { id: "5b02aaaaaa" as never, damaged: true });

function fleet(): Stage {
	const stage = new Stage();
	stage.host(
		nas,
		[grafana, media, folder, cache].filter((id) => id !== undefined),
	);
	stage.host(
		attic,
		[cache].filter((id) => id !== undefined),
	);
	stage.archives(nas, grafana, [damaged, latest, old]);
	return stage;
}

const code = (work: () => unknown) => {
	try {
		return JSON.stringify(work());
	} catch (error) {
		return error instanceof OperationError
			? `${error.code} ${error.candidates.join(" ")}`.trim()
			: String(error);
	}
};

test("an address is taken in every spelling that means one thing", () => {
	using stage = fleet();
	const at = (address: string) => {
		const { host, resource, archive: id, run } = resolveAddress(stage.core.parts, address);
		return [host, resource, id, run].filter((part) => part !== null).join(" ");
	};
	assert.deepEqual(
		{
			"host/name": at("nas/grafana-data"),
			"host/kind:name": at("nas/volume:grafana-data"),
			name: at("grafana-data"),
			"kind:name": at("volume:grafana-data"),
			"host/path": at("nas/path:/srv/media"),
			"host//path": at("nas//srv/media"),
			path: at("/srv/media"),
			host: at("attic"),
			"the other host": at("attic/cache"),
			latest: at("grafana-data@latest"),
			"by prefix": at("nas/grafana-data@7f3a"),
			"an archive": at("7f3b"),
		},
		{
			"host/name": "nas volume:grafana-data",
			"host/kind:name": "nas volume:grafana-data",
			name: "nas volume:grafana-data",
			"kind:name": "nas volume:grafana-data",
			"host/path": "nas path:/srv/media",
			"host//path": "nas path:/srv/media",
			path: "nas path:/srv/media",
			host: "attic",
			"the other host": "attic volume:cache",
			latest: "nas volume:grafana-data 7f3b000001",
			"by prefix": "nas volume:grafana-data 7f3a000001",
			"an archive": "nas volume:grafana-data 7f3b000001",
		},
	);
});

test("an address that means nothing, or more than one thing, is answered with candidates", () => {
	using stage = fleet();
	const refusal = (address: string) => code(() => resolveAddress(stage.core.parts, address));
	assert.equal(refusal("grafana-dta"), "resource-not-found nas/volume:grafana-data");
	assert.equal(refusal("nas/grafana-dta@latest"), "resource-not-found nas/volume:grafana-data");
	assert.equal(refusal("cache"), "resource-ambiguous nas/volume:cache attic/volume:cache");
	assert.equal(refusal("nsa/zzzzzzzz"), "host-not-found nas");
	assert.equal(refusal("zzzzzzzz"), "resource-not-found");
	assert.equal(refusal("grafana-data@7f3"), "archive-not-found");
	assert.equal(refusal("grafana-data@ffff"), "archive-not-found");
	assert.equal(refusal("media@latest"), "archive-not-found");
	assert.equal(refusal("media@7f3a"), "archive-foreign");
	for (const bad of ["", "@", "@latest", "nas/", "nas/@latest", "a\nb", "../..", "%", "😀"]) {
		assert.match(refusal(bad), /^(resource|host|archive)-not-found/, bad);
	}
	stage.host(attic, [ResourceId.parse("path:/srv/pictures")]);
	assert.equal(refusal("pictuers"), "resource-not-found attic/path:/srv/pictures");
});

test("ids are shortened to what is unique, four digits at least, and found again by it", () => {
	using stage = fleet();
	const { items } = archivesDocument(stage.core.parts, { resource: "grafana-data" });
	assert.deepEqual(
		items.map(({ short }) => short),
		["5b02", "7f3b", "7f3a"],
	);
	for (const { short, id } of items) assert.equal(archiveDocument(stage.core.parts, short).row.id, id);
	assert.equal(
		code(() => archiveDocument(stage.core.parts, "7f3")),
		"archive-not-found",
	);
	const close = archive(stage.nowMs, { id: "7f3b000002" as never });
	stage.archives(attic, cache, [close]);
	assert.equal(
		code(() => archiveDocument(stage.core.parts, "7f3b")),
		"archive-ambiguous 7f3b000001 7f3b000002",
	);
	const row = archivesDocument(stage.core.parts, { host: "attic" }).items[0];
	assert.equal(row?.short, "7f3b000002");
});

test("a run is found by its id and by a beginning of it that is unique", () => {
	using stage = fleet();
	const { run } = stage.ask();
	assert.ok(run);
	assert.equal(resolveAddress(stage.core.parts, run).run, run);
	assert.equal(resolveAddress(stage.core.parts, run.slice(0, 6)).run, run);
	assert.equal(runDocument(stage.core.parts, run.slice(0, 6)).run.run, run);
	for (const look of [runDocument, resolveAddress]) {
		assert.equal(
			code(() => look(stage.core.parts, "raaaaaaaa")),
			"run-not-found",
		);
	}
});

test("lists are filtered, counted and cut into pages of a hundred", () => {
	using stage = new Stage();
	const many = Array.from({ length: 230 }, (_, index) => ResourceId.parse(`volume:v${index}`));
	stage.host(nas, many);
	const page = (number: number) => resourcesDocument(stage.core.parts, { page: number });
	assert.deepEqual([page(1).items.length, page(3).items.length, page(4).items.length], [100, 30, 0]);
	assert.deepEqual([page(1).total, page(1).pages], [230, 3]);
	assert.equal(resourcesDocument(stage.core.parts, { state: "safe,failed" }).total, 0);
	assert.equal(resourcesDocument(stage.core.parts, { resource: "v7" }).items[0]?.name, "v7");
	for (let index = 0; index < 3; index += 1) stage.ask({ params: { volume: `v${index}` } });
	stage.report(stage.lastCommand().id, { state: "failed", sequence: 1 });
	assert.equal(runsDocument(stage.core.parts, { state: "failed" }).total, 1);
	assert.equal(runsDocument(stage.core.parts, { host: "nas" }).total, 3);
	assert.equal(runsDocument(stage.core.parts, { host: "attic" }).total, 0);
});

test("a resource that its host has no more is still listed with its archives, and one without any is not", () => {
	using stage = fleet();
	stage.host(nas, []);
	const { resources } = hostDocument(stage.core.parts, "nas");
	assert.deepEqual(
		resources.map(({ resource, state }) => [resource, state]),
		[[grafana, "ignored"]],
	);
	assert.equal(resourceDocument(stage.core.parts, "nas", "grafana-data").archives.length, 3);
	assert.equal(stage.status(media), undefined);
});
