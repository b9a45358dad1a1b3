import assert from "node:assert/strict";
import { type FailureCode, OperationError } from "@davit/protocol";

/** For `assert.rejects`: that very code, and its message where it is another. */
export function isFailure(code: FailureCode): (error: unknown) => true {
	return (error) => {
		assert.ok(error instanceof OperationError, String(error));
		assert.equal(error.code, code, error.message);
		return true;
	};
}
