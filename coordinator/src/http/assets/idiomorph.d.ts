/** The part of idiomorph's classic script that the page calls. */
declare const Idiomorph: {
	morph(
		element: Element,
		html: string,
		options: {
			ignoreActiveValue?: boolean;
			callbacks?: {
				beforeAttributeUpdated?(name: string, node: Element): boolean;
				beforeNodeMorphed?(node: Node): boolean;
			};
		},
	): void;
};
