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

const skip = process.platform === "linux" ? false : "Linux only";

test("the demo's image holds all that Node needs to start", { skip }, async () => {
	await using home = await openHome();
	const file = join(home.path, "image.tar");
	const { tar, libraryPath } = await packImage(process.execPath, Buffer.from("process.exit(0)"));
	await pipeline(tar, createWriteStream(file));
	execFileSync("tar", ["-xf", file, "-C", home.path]);
	// The program runs on the loader and the libraries of the image alone.
	const loader = (await findLibraries(await realpath(process.execPath))).at(-1)?.name ?? "";
	const libraries = libraryPath
		.split(":")
		.map((folder) => join(home.path, folder))
		.join(":");
	const words = [
		"--inhibit-cache",
		"--library-path",
		libraries,
		join(home.path, "usr/bin/node"),
		"--version",
	];
	const version = execFileSync(join(home.path, loader), words, { env: {} });
	assert.equal(version.toString().trim(), process.version);
});
