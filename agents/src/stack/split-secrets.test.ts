import assert from "node:assert/strict";
import { test } from "node:test";
import { holdsSecret, looksSecret, secretsInLines, splitSecrets } from "./split-secrets.ts";

test("what opens something is told by its name, by its shape or by its place in an address", () => {
	for (const [name, value] of [
		["POSTGRES_PASSWORD", "hunter2"],
		["API_KEY", "x"],
		["DATABASE_URL", "postgres://app:s3cret@db/app"],
		["SOMETHING", "A1b2C3d4E5f6A1b2C3d4E5f6"],
	] as const) {
		assert.ok(looksSecret(name, value), name);
	}
	for (const [name, value] of [
		["TZ", "Europe/Berlin"],
		["LOG_LEVEL", "debug"],
		["POSTGRES_PASSWORD", ""],
		["CONFIG_PATH", "/srv/media2/configuration/of/everything"],
	] as const) {
		assert.ok(!looksSecret(name, value), name);
	}
});

test("a secret is taken out wherever it occurs, and the rest stays as it is", () => {
	const rendered = {
		name: "media",
		services: {
			db: {
				image: "postgres:16@sha256:0123456789abcdef0123456789abcdef",
				command: ["--password=Tr0ubadour&3", "--port=5432"],
				environment: { POSTGRES_PASSWORD: "Tr0ubadour&3", TZ: "UTC", EMPTY_TOKEN: "" },
				labels: { note: "log in with Tr0ubadour&3" },
			},
			web: { environment: { URL: "http://me:correcthorse@db/" } },
		},
		secrets: { db_password: { name: "media_db_password", file: "/opt/media/db_password.txt" } },
	};
	const { plain, secrets } = splitSecrets(rendered, ["fromenv1"]);
	const text = JSON.stringify(plain);
	for (const secret of ["Tr0ubadour&3", "correcthorse"]) assert.ok(!text.includes(secret), secret);
	for (const kept of ["postgres:16@sha256", "--port=5432", "UTC", "/opt/media/db_password.txt"]) {
		assert.ok(text.includes(kept), kept);
	}
	assert.deepEqual([...secrets].sort(), ["Tr0ubadour&3", "correcthorse", "fromenv1"]);
});

test("secrets are found in lines of an environment file and of a Compose file, quoted or not", () => {
	const lines = "# a comment\nTZ=UTC\nexport DB_PASSWORD='with space'\nTOKEN=abc\n      SECRET: \"q\"\n";
	assert.deepEqual(secretsInLines(lines), ["with space", "abc", "q"]);
	assert.ok(holdsSecret("url: http://with space@x", secretsInLines(lines)));
	assert.ok(!holdsSecret("a b c", ["b"]), "one letter is in every text");
});
