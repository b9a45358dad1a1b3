import { Command as CommanderCommand, CommanderError, Option } from "commander";
import type { Invocation } from "./context.ts";
import { commands, groups } from "./tree/commands.ts";
import type { CommandSpec } from "./tree/spec.ts";

/** What a command line says: a command to carry out, text that it asked for, or what is wrong with it. */
export type Parsed =
	| { readonly kind: "command"; readonly spec: CommandSpec; readonly invocation: Invocation }
	| { readonly kind: "text"; readonly text: string }
	| {
			readonly kind: "refused";
			readonly message: string;
			readonly next: string;
			readonly candidates: readonly string[];
	  };

/** Reads a command line without carrying anything out. */
export function parseCommandLine(words: readonly string[], version: string): Parsed {
	let parsed: Parsed | undefined;
	let text = "";
	const program = makeProgram(version, (spec, invocation) => {
		parsed = { kind: "command", spec, invocation };
	});
	everyCommand(program, (command) =>
		command.exitOverride().configureOutput({ writeOut: (part) => (text += part), writeErr: () => undefined }),
	);
	try {
		program.parse([...words], { from: "user" });
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode === 0) return { kind: "text", text };
		return refusal(error, words);
	}
	return parsed ?? { kind: "text", text: program.helpInformation() };
}

/** The whole tree for the parser, the help and the completion. */
export function makeProgram(
	version: string,
	onCommand: (spec: CommandSpec, invocation: Invocation) => void,
): CommanderCommand {
	const program = new CommanderCommand("davit")
		.description("Backs up, proves and restores the volumes and folders of a home or small fleet.")
		.version(version, "-V, --version", "print the version")
		.option("--json", "one JSON document; of what runs, JSON lines ending in one result")
		.option("-q, --quiet", "only ids; with --json only the last line")
		.option("--no-input", "never ask; what needs a person is refused")
		.helpOption("-h, --help", "print help")
		.helpCommand(false)
		.configureHelp({ showGlobalOptions: true })
		.addHelpText(
			"after",
			"\nTopics: davit help addresses | exit-codes | json | environment | proof | E-<failure>\n",
		);
	for (const { title, commands: members } of groups) {
		for (const spec of members) addCommand({ program, spec, title, onCommand });
	}
	return program;
}

interface Addition {
	readonly program: CommanderCommand;
	readonly spec: CommandSpec;
	readonly title: string;
	readonly onCommand: (spec: CommandSpec, invocation: Invocation) => void;
}

function addCommand({ program, spec, title, onCommand }: Addition): void {
	const names = spec.name.split(" ");
	const [first = spec.name, second] = names;
	const parent = second === undefined ? program : groupCommand(program, first, title);
	const command = parent
		.command(`${second ?? first} ${spec.words}`.trim())
		.summary(spec.summary)
		.description(spec.summary)
		.helpGroup(title)
		.helpCommand(false)
		.addHelpText("after", `\nExamples:\n${spec.examples.map((example) => `  ${example}`).join("\n")}\n`);
	for (const alias of spec.aliases ?? []) command.alias(alias);
	for (const { flags, summary } of spec.options ?? []) command.addOption(new Option(flags, summary));
	command.action(() => {
		onCommand(spec, { words: command.args, options: command.optsWithGlobals() });
	});
}

/** `schedule` of `schedule add`. */
function groupCommand(program: CommanderCommand, name: string, title: string): CommanderCommand {
	const known = program.commands.find((command) => command.name() === name);
	if (known !== undefined) return known;
	const members = commands.filter((spec) => spec.name.startsWith(`${name} `));
	return program
		.command(name)
		.summary(members.map((spec) => spec.name.slice(name.length + 1)).join(", "))
		.helpGroup(title)
		.helpCommand(false);
}

function everyCommand(command: CommanderCommand, then: (command: CommanderCommand) => void): void {
	then(command);
	for (const child of command.commands) everyCommand(child, then);
}

function refusal(error: CommanderError, words: readonly string[]): Parsed {
	const typed = words.filter((word) => !word.startsWith("-"));
	const known = commands.find((spec) => typed.join(" ").startsWith(spec.name))?.name ?? groupOf(typed[0]);
	// A group without its verb is answered with the group's help, which is no sentence.
	const isIncomplete = error.code === "commander.help";
	const message = isIncomplete ? `${typed.join(" ")} is not complete` : error.message.replace(/^error: /, "");
	const [sentence = "", suggestion = ""] = message.split("\n");
	const candidates = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion)?.[1]?.split(", ") ?? [];
	return { kind: "refused", message: sentence, next: `davit help ${known ?? ""}`.trim(), candidates };
}

function groupOf(word: string | undefined): string | undefined {
	return commands.some((spec) => spec.name.startsWith(`${word} `)) ? word : undefined;
}
