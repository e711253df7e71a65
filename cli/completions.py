"""Completion scripts, and the answer to the first word. No library is imported: a Tab must not be waited for."""

from __future__ import annotations

HINTS = {
    "bash": 'eval "$(twain completion bash)"',
    "zsh": 'eval "$(twain completion zsh)"',
    "fish": "twain completion fish | source",
}
SCRIPTS = {
    "bash": """_twain_completion() {
    local IFS=$'\\n' response
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _TWAIN_COMPLETE=bash_complete "$1")
    COMPREPLY=()
    local line
    for line in $response; do
        COMPREPLY+=("${line#*,}")
    done
}
complete -o nosort -o default -F _twain_completion twain
""",
    "zsh": """#compdef twain
_twain_completion() {
    local -a words_found response
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _TWAIN_COMPLETE=zsh_complete twain)}")
    local type key descr
    for type key descr in ${response}; do
        if [[ "$descr" == "_" ]]; then words_found+=("$key"); else words_found+=("$key:$descr"); fi
    done
    _describe -V unsorted words_found -U
}
compdef _twain_completion twain
""",
    "fish": """function _twain_completion
    set -l response (env _TWAIN_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) twain)
    for line in $response
        set -l parts (string split "," $line)
        echo $parts[2]
    end
end
complete --no-files --command twain --arguments "(_twain_completion)"
""",
}


def first_word(env: dict[str, str]) -> str | None:
    """What a shell that completes the first word is told, or None where click must answer.

    `env` holds what the script sets: `_TWAIN_COMPLETE` (SHELL_complete), `COMP_WORDS`, and `COMP_CWORD`.
    """
    from cli.table import TABLE

    shell = env["_TWAIN_COMPLETE"].partition("_")[0]
    words = env.get("COMP_WORDS", "").split()
    if shell == "fish":
        incomplete = env.get("COMP_CWORD", "")
        done = words[:-1] if incomplete and words and words[-1] == incomplete else words
    else:
        position = env.get("COMP_CWORD", "")
        incomplete = words[1] if position == "1" and len(words) > 1 else ""
        done = words[:1] if position == "1" else words
    if len(done) != 1 or incomplete.startswith("-"):
        return None
    found = [(name, line) for name, (_, line) in TABLE.items() if name.startswith(incomplete)]
    if shell == "bash":
        return "".join(f"plain,{name}\n" for name, _ in found)
    if shell == "zsh":
        return "".join(f"plain\n{name}\n{line}\n" for name, line in found)
    return "".join(f"plain,{name}\t{line}\n" for name, line in found) if shell == "fish" else None
