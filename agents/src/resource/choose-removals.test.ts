import assert from "node:assert/strict";
import { test } from "node:test";
import { ArchiveId, type ArchiveSummary, Bytes, instantOf, Sha256 } from "@davit/protocol";
import { chooseRemovals } from "./choose-removals.ts";

test("the newest archives stay and the rest goes, oldest first", () => {
	assert.deepEqual(chooseRemovals([archive(3), archive(1), archive(2), archive(4)], 2), [id(1), id(2)]);
});

test("the newest good archive stays, however many newer ones are not good", () => {
	const partial = { outcome: "partial" } as const;
	const all = [archive(1), archive(2), archive(3, partial), archive(4, { proof: ["taken"] })];
	assert.deepEqual(chooseRemovals(all, 1), [id(1), id(3)]);
});

test("a damaged archive does not keep a good one from staying, and goes when it is older than what stays", () => {
	const damaged = { damaged: true } as const;
	const all = [archive(1, damaged), archive(2), archive(3, damaged), archive(4)];
	assert.deepEqual(chooseRemovals(all, 2), [id(1)]);
});

test("where nothing is good the newest whole one stays", () => {
	const all = [archive(1, { proof: ["taken"] }), archive(2, { outcome: "partial" })];
	assert.deepEqual(chooseRemovals(all, 1), []);
});

test("damaged archives alone are never removed: a person should see them", () => {
	assert.deepEqual(chooseRemovals([archive(1, { damaged: true })], 1), []);
});

function archive(day: number, more: Partial<ArchiveSummary> = {}): ArchiveSummary {
	return {
		...{ id: id(day), takenAt: instantOf(Date.UTC(2026, 0, day)), bytes: Bytes.parse(1) },
		...{ contentBytes: Bytes.parse(1), entries: 1, proof: ["taken", "verified"], consistency: "paused" },
		...{ outcome: "succeeded", damaged: false, fidelity: "full", durationMs: 1 },
		manifestSha256: Sha256.parse("0".repeat(64)),
		...more,
	};
}

function id(day: number): ArchiveId {
	return ArchiveId.parse(String(day).padStart(10, "0"));
}
