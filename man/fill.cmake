# Puts the lists of berth-params in the places of @PARAMETERS@ and @STORED@.
execute_process(COMMAND ${PARAMS} mdoc OUTPUT_VARIABLE PARAMETERS COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PARAMS} stored OUTPUT_VARIABLE STORED COMMAND_ERROR_IS_FATAL ANY)
configure_file(${IN} ${OUT} @ONLY)
