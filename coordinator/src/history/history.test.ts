import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OperationError } from "@davit/protocol";
import { openHistory } from "./history.ts";

const folder = mkdtempSync(join(tmpdir(), "davit-history-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const now = () => 5_000_000;
const code = (error: unknown) => (error instanceof OperationError ? error.code : String(error));

test("the epoch rises with each life, also when the clock goes back, and never below the clock's seconds", () => {
	const file = join(folder, "epoch.sqlite");
	const epochs = [5_000_000, 5_000_000, 1000, 9_000_000_000].map((nowMs) => {
		using history = openHistory({ file, now: () => nowMs });
		return history.epoch;
	});
	assert.deepEqual(epochs, [5000, 5001, 5002, 9_000_000]);
});

test("a later life that a host has obeyed is passed with the next life, not with this one", () => {
	const file = join(folder, "passed.sqlite");
	{
		using history = openHistory({ file, now });
		history.passEpoch(70_000);
		assert.equal(history.epoch, 5000);
	}
	using history = openHistory({ file, now });
	assert.equal(history.epoch, 70_001);
});

test("fences rise, and start no lower than the epoch", () => {
	const file = join(folder, "fences.sqlite");
	using history = openHistory({ file, now });
	const raise = (epoch: number) =>
		history.write("request", () => history.hosts.raiseFence("nas" as never, "volume:a" as never, epoch));
	assert.deepEqual([raise(10), raise(10), raise(50), raise(50)], [10, 11, 50, 51]);
});

test("a history that another process has open is refused as locked, and stays whole", () => {
	const file = join(folder, "locked.sqlite");
	using _first = openHistory({ file, now });
	assert.throws(
		() => openHistory({ file, now }),
		(error) => code(error) === "database-locked",
	);
});

test("a damaged history is refused as damaged and is not written over", () => {
	const file = join(folder, "damaged.sqlite");
	openHistory({ file, now }).close();
	const bytes = readFileSync(file);
	bytes.fill(0x5a, 0, bytes.length);
	writeFileSync(file, bytes);
	assert.throws(
		() => openHistory({ file, now }),
		(error) => code(error) === "database-damaged",
	);
	assert.deepEqual(readFileSync(file), bytes);
});

test("a history in a place that cannot be written is refused as read-only", () => {
	// A folder where the file should be cannot be opened even by root.
	for (const file of [join(folder, "missing", "history.sqlite"), folder]) {
		assert.throws(
			() => openHistory({ file, now }),
			(error) => code(error) === "database-read-only",
		);
	}
});

test("the file can be read by its owner alone", () => {
	const file = join(folder, "mode.sqlite");
	writeFileSync(file, "");
	chmodSync(file, 0o644);
	openHistory({ file, now }).close();
	assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("a write that is stopped before its commit leaves nothing behind", () => {
	const file = join(folder, "stopped.sqlite");
	let stop = false;
	const options = {
		...{ file, now },
		onWrite: () => {
			if (stop) throw new Error("stopped");
		},
	};
	{
		using history = openHistory(options);
		stop = true;
		assert.throws(() => history.write("schedule", () => history.intents.removeSchedule("x")), /stopped/);
		assert.throws(
			() => history.write("plan", () => history.intents.savePlan({ plan: "paaaaaaaa" } as never)),
			/stopped/,
		);
		stop = false;
	}
	using history = openHistory(options);
	assert.equal(history.intents.plan("paaaaaaaa" as never), undefined);
});
