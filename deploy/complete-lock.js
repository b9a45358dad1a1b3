// `node deploy/complete-lock.js`, after each `npm install` that changed package-lock.json: names every optional package of other
// platforms in it. Where a registry lacks one of them npm leaves it out, and `npm ci` then refuses the lock on every machine.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const systems = {
	android: "android",
	darwin: "darwin",
	freebsd: "freebsd",
	linux: "linux",
	openharmony: "openharmony",
	win32: "win32",
	windows: "win32",
};
const processors = {
	arm64: "arm64",
	arm: "arm",
	x64: "x64",
	64: "x64",
	ppc64: "ppc64",
	riscv64: "riscv64",
	s390x: "s390x",
	ia32: "ia32",
};

for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
	if (parent === "") continue;
	for (const [name, version] of Object.entries(optionalDependencies)) {
		const path = `node_modules/${name}`;
		if (lock.packages[path] !== undefined || !/^\d+\.\d+\.\d+/.test(version)) continue;
		const words = name.split(/[/-]/);
		lock.packages[path] = {
			version,
			cpu: words.filter((word) => word in processors).map((word) => processors[word]),
			...(dev ? { dev } : {}),
			optional: true,
			os: words.filter((word) => word in systems).map((word) => systems[word]),
		};
	}
}
lock.packages = Object.fromEntries(
	Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, "\t")}\n`);
