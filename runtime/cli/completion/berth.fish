# berth(8) completion for fish. berth itself knows what may follow: `berth __complete WORDS...`.

function __berth_complete
	set -l typed (commandline -ct)
	for line in (command berth __complete (commandline -opc) "$typed" 2>/dev/null)
		switch $line
			case ':files'
				__fish_complete_path $typed
			case ':dirs'
				__fish_complete_directories $typed
			case ':*'
			case '*'
				echo $line
		end
	end
end

for name in berth vzctl vzlist vzmigrate vzpid
	complete -c $name -f -a '(__berth_complete)'
end
