import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
	chmodSync,
	closeSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ArchiveId, instantOf, newId, OperationError, ResourceId } from "@davit/protocol";
import { Journal, type JournalOptions } from "./journal.ts";
import { undoPointsOf } from "./kept-undos.ts";

const ground = mkdtempSync(join(tmpdir(), "davit-journal-"));
after(() => rmSync(ground, { recursive: true, force: true }));

function place(): string {
	return join(mkdtempSync(join(ground, "place-")), "agent", "journal.sqlite");
}

function open(file: string, options: Partial<JournalOptions> = {}): Journal {
	return Journal.open({ file, now: () => 0, reserveBytes: 1, ...options });
}

function synchronousOf(journal: Journal): unknown {
	return journal.read((database) => database.pragma("synchronous", { simple: true }));
}

function failsWith(code: string, message: RegExp): (error: unknown) => boolean {
	return (error) => {
		assert.ok(error instanceof OperationError, String(error));
		assert.equal(error.code, code);
		assert.match(error.message, message);
		return true;
	};
}

test("a journal writes with synchronous FULL after its first write, and again after every open", () => {
	const file = place();
	for (const epoch of [1, 2, 3]) {
		using journal = open(file);
		assert.equal(journal.agentEpoch, epoch);
		journal.write("probe", (database) => database.exec("CREATE TABLE IF NOT EXISTS probe (x)"));
		assert.equal(synchronousOf(journal), 2);
		assert.equal(
			journal.read((database) => database.pragma("journal_mode", { simple: true })),
			"wal",
		);
	}
});

test("a journal keeps its id over its lives", () => {
	const file = place();
	const first = open(file);
	const { id } = first;
	first[Symbol.dispose]();
	using second = open(file);
	assert.equal(second.id, id);
	assert.notEqual(id, open(":memory:").id);
});

test("a write that throws leaves nothing of itself behind", () => {
	using journal = open(place());
	assert.throws(
		() =>
			journal.write("half", (database) => {
				database.prepare("INSERT INTO locks VALUES ('a', 'b')").run();
				throw new Error("stop");
			}),
		/stop/,
	);
	assert.deepEqual(
		journal.read((database) => database.prepare("SELECT * FROM locks").all()),
		[],
	);
});

test("every write is announced before and after it", () => {
	const points: string[] = [];
	using journal = open(place(), { onWrite: (point) => points.push(point) });
	journal.write("receipt", () => undefined);
	assert.deepEqual(points, ["before open", "after open", "before receipt", "after receipt"]);
});

test("a second agent on the same journal is told that it is locked", () => {
	const file = place();
	using _first = open(file);
	assert.throws(() => open(file), failsWith("database-locked", /another process has it open/));
});

test("a journal that is no database, or a torn one, is told to be damaged and left as it is", () => {
	const file = place();
	const journal = open(file);
	journal.write("fill", (database) => {
		for (let at = 0; at < 500; at += 1) {
			database.prepare("INSERT INTO locks VALUES (?, ?)").run(`r${at}`, "c".repeat(200));
		}
	});
	journal[Symbol.dispose]();
	const handle = openSync(file, "r+");
	const middle = Math.floor(statSync(file).size / 2 / 4096) * 4096;
	for (let page = 0; page < 6; page += 1)
		writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, middle + page * 4096);
	closeSync(handle);
	const torn = readFileSync(file);
	assert.throws(() => open(file), failsWith("database-damaged", /journal\.sqlite/));
	assert.deepEqual(readFileSync(file), torn);

	const other = place().replace("/agent/", "-");
	writeFileSync(
		other,
		"this is not a database, and it is long enough to be taken for the header of one. ".repeat(20),
	);
	assert.throws(() => open(other), failsWith("database-damaged", /not a SQLite database/));
});

test("a journal that may not be written is told to be read-only", {
	skip: process.platform === "win32",
}, () => {
	const file = place();
	open(file)[Symbol.dispose]();
	const folder = join(file, "..");
	chmodSync(file, 0o444);
	chmodSync(folder, 0o555);
	chmodSync(join(folder, ".."), 0o755);
	chmodSync(ground, 0o755);
	// The superuser may write everything, so somebody else has to try.
	const script = `
		import { Journal } from ${JSON.stringify(join(import.meta.dirname, "journal.ts"))};
		try {
			Journal.open({ file: ${JSON.stringify(file)}, now: () => 0, reserveBytes: 1 });
		} catch (error) {
			console.log(error.code, error.message);
		}`;
	const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
	const tried = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
		...nobody,
		encoding: "utf8",
	});
	chmodSync(folder, 0o755);
	assert.match(
		tried.stdout,
		/^database-read-only the database .*journal\.sqlite cannot be used/,
		tried.stderr,
	);
});

test("a journal in a place that cannot be made is told so", () => {
	const file = place();
	writeFileSync(join(file, "..", "..", "agent"), "a file where the folder should be");
	assert.throws(() => open(file), failsWith("database-read-only", /cannot be made/));
});

test("a journal of a newer Davit is refused and left as it is", () => {
	const file = place();
	const journal = open(file);
	journal.read((database) => database.pragma("user_version = 99"));
	journal[Symbol.dispose]();
	assert.throws(() => open(file), failsWith("unsupported", /version 99/));
});

test("too little space on the journal's disk is told before an intent is written", () => {
	using journal = open(place(), { reserveBytes: 1_000, freeBytes: () => 999 });
	assert.throws(() => journal.requireSpace(), failsWith("disk-full", /999 bytes free/));
	using roomy = open(place(), { reserveBytes: 1_000, freeBytes: () => 1_000 });
	roomy.requireSpace();
	using real = open(place(), { reserveBytes: Number.MAX_SAFE_INTEGER });
	assert.throws(() => real.requireSpace(), failsWith("disk-full", /bytes free/));
});

test("undo points outlive the process, and no setting of the clock makes their time shorter", () => {
	const file = place();
	const clock = { nowMs: Date.UTC(2026, 10, 22), servedMs: 5_000 };
	const openPoints = () => {
		const journal = open(file);
		const points = undoPointsOf(journal, { now: () => clock.nowMs, servedMs: () => clock.servedMs });
		return { journal, points, [Symbol.dispose]: () => journal[Symbol.dispose]() };
	};
	const [older, newer] = [newId(), newId()].sort();
	assert.ok(older !== undefined && newer !== undefined);
	const weekMs = 7 * 24 * 3_600_000;
	const point = { resource: ResourceId.parse("volume:grafana"), place: { folder: "/old" } };
	const archive = ArchiveId.parse("0123456789");
	{
		using kept = openPoints();
		kept.points.keep({ ...point, archive, command: older, forMs: 1_000 });
		assert.equal(
			kept.points.keep({ ...point, archive, command: newer, forMs: weekMs }),
			instantOf(clock.nowMs + weekMs),
		);
	}
	for (const years of [10, -10]) {
		clock.nowMs = Date.UTC(2026 + years, 10, 22);
		using kept = openPoints();
		const found = kept.points.of(point.resource);
		assert.deepEqual([found?.command, found?.isOver, found?.place], [newer, false, { folder: "/old" }]);
		assert.equal(found?.until, instantOf(clock.nowMs + weekMs), "told by the clock that is");
		assert.deepEqual(kept.points.expired(), [], `${years} years`);
	}
	clock.servedMs += 2_000;
	using kept = openPoints();
	assert.deepEqual(
		kept.points.expired().map(({ command }) => command),
		[older],
	);
	clock.servedMs += weekMs;
	assert.equal(kept.points.of(point.resource)?.isOver, true);
	kept.points.drop(newer);
	assert.deepEqual(
		kept.points.expired().map(({ command }) => command),
		[older],
	);
});
