import assert from "node:assert/strict";
import { test } from "node:test";
import { ArchiveId, Bytes, instantOf } from "../vocabulary.ts";
import { findSuspicion } from "./suspect.ts";

const suspicion = { shrinkBelow: 0.5, incompressibleAbove: 0.9 };
const usual = { entries: 1000, contentBytes: 10_000_000, bytes: 3_000_000 };

/** Good archives one after the other, the oldest first. */
function archives(...sizes: readonly Partial<typeof usual & { proof: ["taken"] }>[]) {
	return sizes.map((size, index) => {
		const all = { ...usual, ...size };
		return {
			...{
				id: ArchiveId.parse(String(index + 1).padStart(10, "0")),
				sequence: index + 1,
				takenAt: instantOf(index),
			},
			...{
				proof: ["taken", "verified"] as ("taken" | "verified")[],
				outcome: "succeeded" as const,
				damaged: false,
			},
			...{ ...all, bytes: Bytes.parse(all.bytes), contentBytes: Bytes.parse(all.contentBytes) },
		};
	});
}

function found(sizes: ReturnType<typeof archives>, released?: number): string | undefined {
	return findSuspicion(sizes, { suspicion, released })?.because;
}

test("half of what was usual is not suspicious, less is", () => {
	assert.equal(found(archives({}, {}, {}, { entries: 500, contentBytes: 5_000_000 })), undefined);
	assert.match(found(archives({}, {}, {}, { entries: 499 })) ?? "", /499 entries where 1000 were usual/);
	assert.match(found(archives({}, {}, {}, { contentBytes: 4_999_999 })) ?? "", /4999999 bytes/);
});

test("what stopped to compress is suspicious, what never did is not", () => {
	assert.match(found(archives({}, {}, {}, { bytes: 9_500_000 })) ?? "", /95 % where 30 % was usual/);
	const videos = { bytes: 9_900_000 };
	assert.equal(found(archives(videos, videos, videos, videos)), undefined);
});

test("three good backups say what is usual, and small folders may change as they like", () => {
	assert.equal(found(archives({}, {}, { entries: 1 })), undefined);
	const small = { entries: 8, contentBytes: 2_000, bytes: 1_000 };
	assert.equal(found(archives(small, small, small, { ...small, entries: 3 })), undefined);
	assert.match(found(archives(small, small, small, { ...small, entries: 1 })) ?? "", /1 entries where 8/);
});

test("it stays suspicious whatever comes after it, until it is released, and a later one is found anew", () => {
	const sizes = archives(
		{},
		{},
		{},
		{ entries: 3 },
		{ entries: 3 },
		{ entries: 3 },
		{ entries: 3 },
		{ entries: 3 },
	);
	assert.match(found(sizes) ?? "", /0000000004/);
	assert.equal(found(sizes, 8), undefined);
	const again = archives(...sizes.slice(0, 8).map(() => ({})), { entries: 2 });
	assert.match(found(again, 8) ?? "", /0000000009/);
});

test("a source that grows is never suspicious, and either watch can be switched off", () => {
	assert.equal(found(archives({}, {}, {}, { entries: 9000, contentBytes: 90_000_000 })), undefined);
	const off = { shrinkBelow: 0, incompressibleAbove: 1 };
	const sizes = archives({}, {}, {}, { entries: 1 }, { bytes: 10_000_000 });
	assert.equal(findSuspicion(sizes, { suspicion: off, released: undefined }), undefined);
});
