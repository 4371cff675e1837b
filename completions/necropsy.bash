# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for necropsy. Commands and options are asked of the program itself, so they cannot go stale.

_necropsy_commands() {
	necropsy --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# _necropsy_options [COMMAND]
_necropsy_options() {
	necropsy "$@" --help 2>/dev/null | grep -o -e '^ *\(-[a-zA-Z], \)\{0,1\} *--[a-z-]*' | grep -o -e '--[a-z-]*'
}

_necropsy() {
	local cur=${COMP_WORDS[COMP_CWORD]} command='' word i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word != -* ]]; then
			command=$word
			break
		fi
	done
	if [[ $command ]] && ! _necropsy_commands | grep -qxF -e "$command"; then
		command='' # a dump
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_necropsy_options $command)" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		if ((i == COMP_CWORD)); then
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(_necropsy_commands)" -- "$cur")
		fi
	fi
}

complete -o filenames -F _necropsy necropsy
