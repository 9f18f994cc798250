# Puts the words of `berth-params options` in the place of @PARAMETERS@.
execute_process(COMMAND ${PARAMS} options OUTPUT_VARIABLE words COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${words}" words)
string(REPLACE "\n" " " PARAMETERS "${words}")
configure_file(${IN} ${OUT} @ONLY)
