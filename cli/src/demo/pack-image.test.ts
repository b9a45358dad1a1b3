import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import test from "node:test";
import { openHome } from "../testing/run-davit.ts";
import { findLibraries } from "./find-libraries.ts";
import { packImage } from "./pack-image.ts";

const isLinux = process.platform === "linux";

test("the demo's image holds Node, its loader and libraries, and the writer", {
	skip: !isLinux && "Linux only",
}, async () => {
	await using home = await openHome();
	const file = join(home.path, "image.tar");
	const { tar, libraryPath } = await packImage(process.execPath, Buffer.from("process.exit(0)"));
	await pipeline(tar, createWriteStream(file));
	execFileSync("tar", ["-xf", file, "-C", home.path]);
	// The program runs on the loader and libraries of the image alone.
	const root = (path: string) => join(home.path, path);
	const loader =
		execFileSync("sh", ["-c", `ls ${root("")}lib*/ld-* ${root("")}lib/ld-* 2>/dev/null || true`])
			.toString()
			.split("\n")[0] ?? "";
	const libraries = libraryPath
		.split(":")
		.map((folder) => root(folder))
		.join(":");
	const version = execFileSync(loader, ["--library-path", libraries, root("usr/bin/node"), "--version"], {
		env: {},
	});
	assert.equal(version.toString().trim(), process.version);
});
