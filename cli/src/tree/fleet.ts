import { type CommandSpec, watching } from "./spec.ts";

export const fleet: readonly CommandSpec[] = [
	{
		name: "start",
		words: "",
		summary: "Run everything on this machine: coordinator, broker, page, agent and Home Assistant's view.",
		options: [
			{
				flags: "--folder <path...>",
				summary: "a folder to protect, beside Docker's volumes; may be repeated",
			},
			{ flags: "--broker <url>", summary: "another broker than the embedded one (or DAVIT_BROKER)" },
			{ flags: "--broker-user <name>", summary: "the coordinator's user at that broker" },
			{ flags: "--broker-password-file <file>", summary: "a file that holds its password" },
			{
				flags: "--broker-accounts <file>",
				summary: "instead of both: the accounts.json of davit broker-config",
			},
			{
				flags: "--listen <address>",
				summary: "where the embedded broker and joining hosts are served; default 127.0.0.1",
			},
			{ flags: "--agent-only", summary: "run only the agent of a host that has joined" },
			{ flags: "--demo", summary: "add two containers (or a folder) to try everything on" },
			{ flags: "--demo-remove", summary: "remove what --demo made, and nothing else" },
		],
		examples: ["davit start", "davit start --folder /srv/photos", "davit start --demo"],
		documents: ["davit/start/1"],
	},
	{
		name: "doctor",
		words: "[host]",
		summary: "Say what each host can do, why not where it cannot, and what would help.",
		options: [
			{ flags: "--check", summary: "exit 1 if a host is not heard or lacks something that it could have" },
		],
		examples: ["davit doctor", "davit doctor nas --json"],
		documents: ["davit/doctor/1"],
	},
	{
		name: "repository rescan",
		words: "<host>",
		summary: "Rebuild what is known of a host's archives from the archives alone.",
		examples: ["davit repository rescan nas", "davit repository rescan nas --json"],
		documents: ["davit/rescan/1"],
	},
	{
		name: "repository check",
		words: "<repository>",
		summary: "Check a restic repository and read the next part of its content; damage marks it.",
		options: watching,
		examples: ["davit repository check disk", "davit repository check nas/disk"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "repository prune",
		words: "<repository>",
		summary: "Remove from a restic repository what no archive holds any more.",
		options: watching,
		examples: ["davit repository prune disk", "davit repository prune nas/disk"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "page",
		words: "",
		summary: "Print a one-time link to the page.",
		examples: ["davit page"],
		documents: ["davit/text/1"],
	},
	{
		name: "host join",
		words: "[name|string]",
		summary:
			"On the coordinator's machine: let a new host in. On the new host: join with the string that prints.",
		examples: ["davit host join attic"],
		documents: ["davit/join/1", "davit/text/1"],
	},
	{
		name: "account",
		words: "<name>",
		summary: "Print how a client connects to the broker: address, port, user and password.",
		examples: ["davit account ha"],
		documents: ["davit/account/1"],
	},
	{
		name: "broker-config",
		words: "<directory>",
		summary:
			"Write a Mosquitto configuration with one account a host, one for the coordinator, one for Home Assistant.",
		options: [{ flags: "--host <name...>", summary: "a host that has not joined yet; may be repeated" }],
		examples: ["davit broker-config ./mosquitto", "davit broker-config ./mosquitto --host pi"],
		documents: ["davit/text/1"],
	},
	{
		name: "recovery-kit",
		words: "",
		summary:
			"Write the recovery kit: the key that opens archives when every host is gone, where they are, and how to get them back.",
		options: [
			{
				flags: "-o, --output <file>",
				summary: "where to, HTML where it ends in .html; default standard output",
			},
			{ flags: "--new-key", summary: "with a new key, for archives from now on; keep the older kits" },
		],
		examples: ["davit recovery-kit -o kit.html", "davit recovery-kit -o kit.txt --new-key"],
		documents: ["davit/recovery-kit/1", "davit/text/1"],
	},
	{
		name: "key list",
		words: "",
		summary: "Show which keys this host opens archives with, and for whom it encrypts them.",
		examples: ["davit key list"],
		documents: ["davit/text/1"],
	},
	{
		name: "key add",
		words: "",
		summary:
			"Let this host open what the keys in a file open: a recovery kit's text, or another host's key file.",
		options: [{ flags: "--identity-file <file>", summary: "age identities, readable by their owner alone" }],
		examples: ["davit key add --identity-file kit.txt"],
		documents: ["davit/text/1"],
	},
	{
		name: "key rotate",
		words: "",
		summary:
			"Make a new key of this host for archives from now on; the old ones go on opening what they opened.",
		examples: ["davit key rotate"],
		documents: ["davit/text/1"],
	},
	{
		name: "completion",
		words: "<shell>",
		summary: "Print a script that completes davit's words in bash, zsh, fish or powershell.",
		examples: ["source <(davit completion bash)"],
		documents: ["davit/text/1"],
	},
	{
		name: "help",
		words: "[topic...]",
		summary:
			"Explain a command, a topic (addresses, exit-codes, json, environment, proof, retention) or a failure (E-CODE).",
		examples: ["davit help backup", "davit help addresses", "davit help E-disk-full"],
		documents: ["davit/text/1"],
	},
];
