# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of ilu-logq for bash: the program itself knows what may follow, from its table of commands and its database.
_ilu_logq()
{
	local line=${COMP_LINE:0:COMP_POINT} i

	mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" help --complete "${line#"${COMP_WORDS[0]}"}" 2>/dev/null)
	for i in "${!COMPREPLY[@]}"; do
		printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]}"
	done
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "${COMP_WORDS[COMP_CWORD]}"
	fi
}
complete -o default -F _ilu_logq ilu-logq
