interface Node<Message> {
	readonly children: Map<string, Node<Message>>;
	message?: Message;
}

/**
 * Retained messages by topic. A filter walks only where it can match: a literal level is one look-up, so a subscription costs
 * what it finds, however many messages are kept (aedes' own store looks at every one for every filter).
 */
export class RetainedTopics<Message extends { readonly topic: string }> {
	#root: Node<Message> = { children: new Map() };
	#size = 0;

	get size(): number {
		return this.#size;
	}

	set(message: Message): void {
		let node = this.#root;
		for (const level of message.topic.split("/")) {
			let next = node.children.get(level);
			if (next === undefined) {
				next = { children: new Map() };
				node.children.set(level, next);
			}
			node = next;
		}
		if (node.message === undefined) this.#size += 1;
		node.message = message;
	}

	/** Forgets a topic, and the branches that led only to it. */
	delete(topic: string): void {
		const path: { node: Node<Message>; level: string }[] = [];
		let node = this.#root;
		for (const level of topic.split("/")) {
			const next = node.children.get(level);
			if (next === undefined) return;
			path.push({ node, level });
			node = next;
		}
		if (node.message === undefined) return;
		delete node.message;
		this.#size -= 1;
		for (const step of path.reverse()) {
			const child = step.node.children.get(step.level);
			if (child === undefined || child.message !== undefined || child.children.size > 0) return;
			step.node.children.delete(step.level);
		}
	}

	/** Every message that a filter matches (MQTT 5, 4.7), while others may be set and deleted. */
	*match(filter: string): Generator<Message> {
		yield* matchBelow(this.#root, filter.split("/"), 0);
	}

	clear(): void {
		this.#root = { children: new Map() };
		this.#size = 0;
	}
}

function* matchBelow<Message>(
	node: Node<Message>,
	levels: readonly string[],
	at: number,
): Generator<Message> {
	const level = levels[at];
	if (level === undefined) {
		if (node.message !== undefined) yield node.message;
		return;
	}
	if (level === "#") {
		yield* everyMessage(node, at === 0);
		return;
	}
	if (level !== "+") {
		const next = node.children.get(level);
		if (next !== undefined) yield* matchBelow(next, levels, at + 1);
		return;
	}
	for (const [name, next] of node.children) {
		if (at === 0 && name.startsWith("$")) continue;
		yield* matchBelow(next, levels, at + 1);
	}
}

/** `a/#` matches `a` itself too; a leading wildcard does not match the broker's own topics. */
function* everyMessage<Message>(node: Node<Message>, isRoot: boolean): Generator<Message> {
	if (node.message !== undefined) yield node.message;
	for (const [name, next] of node.children) {
		if (isRoot && name.startsWith("$")) continue;
		yield* everyMessage(next, false);
	}
}
