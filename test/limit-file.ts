// Loaded into the process of each test file: one that hangs, or whose tests ended and left something open, is ended and says
// what held it. The test runner's own limit fails a test, but waits for such a process for ever.

const limit = Number(process.env["DAVIT_TEST_FILE_LIMIT_MS"]);

setTimeout(() => {
	const held = process.getActiveResourcesInfo().join(", ");
	process.stderr.write(`this file did not end within ${limit / 1000} s; still open: ${held}\n`);
	process.exit(1);
}, limit).unref();
