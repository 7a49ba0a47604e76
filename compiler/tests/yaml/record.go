// Records how the reference's YAML library reads texts: lines of JSON with a `text` in, the same with its `tree` or
// `refused` out. With gopkg.in/yaml.v3 3.0.1: go run record.go < texts.jsonl > recorded.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

func tree(node *yaml.Node) any {
	var content any
	switch node.Kind {
	case yaml.AliasNode:
		return "alias"
	case yaml.ScalarNode:
		name := "quoted"
		if node.Style&^yaml.TaggedStyle == 0 {
			name = "plain"
		}
		content = map[string]any{name: node.Value}
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range node.Content {
			items = append(items, tree(item))
		}
		content = items
	case yaml.MappingNode:
		entries := []any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			entries = append(entries, []any{tree(node.Content[i]), tree(node.Content[i+1])})
		}
		content = map[string]any{"entries": entries}
	}
	if node.Style&yaml.TaggedStyle != 0 {
		return map[string]any{"tag": node.Tag, "of": content}
	}
	return content
}

func read(text string) map[string]any {
	var root yaml.Node
	err := yaml.NewDecoder(strings.NewReader(text)).Decode(&root)
	if err == io.EOF {
		return map[string]any{"text": text, "tree": nil}
	}
	if err != nil {
		return map[string]any{"text": text, "refused": err.Error()}
	}
	return map[string]any{"text": text, "tree": tree(root.Content[0])}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var line struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			panic(err)
		}
		out.Encode(read(line.Text))
	}
}
