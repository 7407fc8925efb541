# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of ilu-logq for bash: the program itself knows what may follow, from its table of commands and its database,
# in an order that means something (the slowest first).
_ilu_logq()
{
	local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} before quote='' i name

	mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" help --complete "${line#"${COMP_WORDS[0]}"}" 2>/dev/null)
	# The program completes what stands behind a blank; for bash a word also begins behind = and :
	[[ $word =~ ^[=:]+$ ]] && word=''
	before=${line%"$word"}
	before=${before##*[[:blank:]]}
	case $word in
	[\"\']*) quote=${word:0:1} ;;
	esac
	for i in "${!COMPREPLY[@]}"; do
		name=${COMPREPLY[i]%%$'\t'*}
		[[ $quote ]] || name=${name#"$before"}
		case $quote in
		\") name=${name//\\/\\\\} name=${name//\"/\\\"} name=${name//\$/\\\$} name=${name//\`/\\\`} ;;
		\') name=${name//\'/\'\\\'\'} ;;
		*) [[ $name == *[!A-Za-z0-9_./,:=@%+-]* ]] && printf -v name %q "$name" ;;
		esac
		COMPREPLY[i]=$name
	done
}
complete -o default -o nosort -F _ilu_logq ilu-logq
