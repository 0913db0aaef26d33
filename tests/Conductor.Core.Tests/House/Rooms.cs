namespace Conductor.Tests.House;

/// <summary>The rooms of Conductor.Core and what each may use: the table of architecture.md.</summary>
internal static class Rooms
{
    public const string Hall = "Conductor";

    /// <summary>How work is put on threads, and timers: what all other rooms run on. Nothing of it is public.</summary>
    private const string Threading = "Conductor.Threading";

    private static readonly string[] _inOrder =
    [
        Hall, Threading, "Conductor.Diagnostics", "Conductor.Messaging", "Conductor.State", "Conductor.Errors", "Conductor.Policies", "Conductor.Agents",
        "Conductor.Coordination", "Conductor.Workflows", "Conductor.Serialization", "Conductor.DependencyInjection",
    ];

    private static readonly Dictionary<string, string[]> _mayUse = new()
    {
        [Hall] = [],
        [Threading] = [Hall],
        ["Conductor.Diagnostics"] = [Hall],
        ["Conductor.Messaging"] = [Hall, Threading, "Conductor.Diagnostics"],
        ["Conductor.State"] = [Hall, Threading, "Conductor.Diagnostics"],
        ["Conductor.Errors"] = [Hall, Threading, "Conductor.Diagnostics", "Conductor.Messaging", "Conductor.State"],
        ["Conductor.Policies"] = [Hall, "Conductor.Diagnostics", "Conductor.State"],
        ["Conductor.Agents"] = [Hall, Threading, "Conductor.Diagnostics", "Conductor.Messaging", "Conductor.State"],
        ["Conductor.Coordination"] = _inOrder[..8],
        ["Conductor.Workflows"] = _inOrder[..9],
        ["Conductor.Serialization"] = [Hall, "Conductor.Messaging", "Conductor.State", "Conductor.Workflows"],
        ["Conductor.DependencyInjection"] = _inOrder[..11],
    };

    public static IReadOnlyList<string> All => _inOrder;

    public static bool MayUse(string room, string other) => room == other || _mayUse[room].Contains(other);

    /// <summary>The room of a namespace; null for what the compiler and its generators add.</summary>
    public static string? Of(string @namespace) =>
        @namespace == "Microsoft.Extensions.DependencyInjection" ? "Conductor.DependencyInjection" : _inOrder.FirstOrDefault(room => room == @namespace);
}
