import assert from "node:assert/strict";
import { test } from "node:test";
import { failureReport, OperationError } from "./failures.ts";

test("what goes wrong while a failure is cleaned up after does not hide that failure", async () => {
	const fail = async () => {
		await using _container = {
			[Symbol.asyncDispose]: () => Promise.reject(new OperationError("docker-refused", "it stays there")),
		};
		throw new OperationError("docker-unreachable", "the engine is gone");
	};
	const error = await fail().catch((thrown: unknown) => thrown);
	assert.ok(error instanceof SuppressedError, "both were thrown");
	const { code, message } = failureReport(error);
	assert.deepEqual([code, message], ["docker-unreachable", "the engine is gone"]);
});
