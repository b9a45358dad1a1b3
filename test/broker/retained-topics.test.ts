import assert from "node:assert/strict";
import test from "node:test";
import { RetainedTopics } from "@davit/coordinator/broker/retained-topics.ts";
import { seedOf } from "@davit/protocol/testing/seed.ts";
import fc from "fast-check";

const level = fc.constantFrom("a", "b", "", "$x", "c");
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
const filter = fc
	.tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
	.map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ["#"] : [])].join("/"));

test("the index finds what looking at every topic would find, whatever was set and deleted before", (t) => {
	const step = fc.record({ topic, isDeleted: fc.boolean() });
	fc.assert(
		fc.property(fc.array(step, { maxLength: 40 }), fc.array(filter, { maxLength: 10 }), (steps, filters) => {
			const index = new RetainedTopics<{ topic: string; at: number }>();
			const plain = new Map<string, number>();
			for (const [at, { topic: name, isDeleted }] of steps.entries()) {
				if (isDeleted) {
					index.delete(name);
					plain.delete(name);
				} else {
					index.set({ topic: name, at });
					plain.set(name, at);
				}
			}
			assert.equal(index.size, plain.size);
			for (const wanted of filters) {
				const found = [...index.match(wanted)].map(({ topic: name, at }) => `${name} ${at}`).sort();
				const expected = [...plain]
					.filter(([name]) => matches(wanted, name))
					.map(([name, at]) => `${name} ${at}`);
				assert.deepEqual(found, expected.sort(), wanted);
			}
		}),
		{ seed: seedOf(t), numRuns: 2000 },
	);
});

test("a subscription to one topic among 50,000 looks at that one only", () => {
	const index = new RetainedTopics<{ topic: string }>();
	for (let host = 0; host < 50_000; host++) index.set({ topic: `davit/v1/home/agents/h${host}/presence` });
	const startedMs = performance.now();
	for (let host = 0; host < 10_000; host++) {
		assert.equal([...index.match(`davit/v1/home/agents/h${host}/presence`)].length, 1);
	}
	const eachMs = (performance.now() - startedMs) / 10_000;
	// 50,000 comparisons for each would take milliseconds.
	assert.ok(eachMs < 0.5, `${eachMs} ms`);
});

/** MQTT 5, 4.7, as a regular expression. */
function matches(wanted: string, name: string): boolean {
	if (name.startsWith("$") && /^[+#]/.test(wanted)) return false;
	const escaped = wanted.replaceAll("$", "\\$").replaceAll("+", "[^/]*");
	const pattern = escaped === "#" ? ".*" : escaped.replace(/\/#$/, "(/.*)?");
	return new RegExp(`^${pattern}$`).test(name);
}
