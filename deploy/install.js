// Installs what package-lock.json names, once, so that `npm start` and `npm test` work from a bare clone on any Node 20 or later.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const lock = readFileSync(join(root, "package-lock.json"), "utf8");
const production = process.argv.includes("--production");
const stamp = join(root, "node_modules", ".davit-install.json");

/** What the last install was made from; a full install also serves production. */
function isInstalled() {
	if (!existsSync(stamp)) return false;
	const made = JSON.parse(readFileSync(stamp, "utf8"));
	return made.lock === lock && (production || !made.production);
}

if (!isInstalled()) {
	process.stderr.write("installing what Davit needs (npm ci, once) …\n");
	const npm = spawnSync(
		"npm",
		[
			"ci",
			"--ignore-scripts",
			"--no-audit",
			"--no-fund",
			"--loglevel=error",
			...(production ? ["--omit=dev"] : []),
		],
		{
			cwd: root,
			stdio: ["ignore", "ignore", "inherit"],
		},
	);
	if (npm.status !== 0) {
		process.stderr.write(
			`error: npm ci ended with ${npm.status ?? npm.signal}; run it by hand in ${root} to see why\n`,
		);
		process.exit(1);
	}
	writeFileSync(stamp, JSON.stringify({ lock, production }));
}
