// What a stranger's program would do first with an installed library: load every public type, run its static initializers,
// make what can be made without arguments, and give every text parser the inputs. Arguments: assembly name, file of type names, file
// of inputs (a JSON text a line). It writes a line for each finding (code, subject, message, separated by tabs) and "done" at the end.
using System.Reflection;
using System.Text.Json;

var assembly = Assembly.Load(args[0]);
var inputs = File.ReadLines(args[2]).Select(line => JsonSerializer.Deserialize<string>(line)!).ToList();
var probe = new Probe();
var types = 0;
foreach (var name in File.ReadLines(args[1]))
{
    if (assembly.GetType(name) is { } type)
    {
        types++;
        probe.Touch(type);
        probe.Parse(type, inputs);
    }
    else
    {
        probe.Report("ApiMissing", name, "The type is not in the installed assembly.");
    }
}

Console.WriteLine($"done\t{types}\t{probe.Calls}");
