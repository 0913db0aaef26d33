namespace Conductor.DependencyInjection;

/// <summary>
/// Makes the parts that a container has of this library, and finds those that are made of what asks for them: a policy that takes the coordinator, which
/// needs the policies. A container finds such circles among constructors alone; where a factory is on the way it asks on and on, and in the end waits for
/// itself, without a word.
/// </summary>
internal static class PartInMaking
{
    /// <summary>What is being made on this thread, the outermost first: a container makes what one part needs on the thread that asks for it.</summary>
    [ThreadStatic]
    private static List<(IServiceProvider Container, Type Part)>? _underWay;

    /// <summary>A factory that finds circles.</summary>
    /// <typeparam name="T">The part.</typeparam>
    /// <param name="make">Makes the part, with what the container has.</param>
    public static Func<IServiceProvider, T> Of<T>(Func<IServiceProvider, T> make) => container => Make(container, make);

    private static T Make<T>(IServiceProvider container, Func<IServiceProvider, T> make)
    {
        var underWay = _underWay ??= [];
        if (underWay.IndexOf((container, typeof(T))) is >= 0 and var first)
        {
            throw Circle([.. underWay.Skip(first).Select(static part => part.Part.Name), typeof(T).Name]);
        }

        underWay.Add((container, typeof(T)));
        try
        {
            return make(container);
        }
        finally
        {
            underWay.RemoveAt(underWay.Count - 1);
        }
    }

    private static InvalidOperationException Circle(IEnumerable<string> parts) => new(
        $"A part of Conductor is needed for itself: {string.Join(" → ", parts)}. A policy, bus, store or classifier of the application (or what it is made " +
            "of) asks for one of these, or for what is made of them, as it is made. Let it take the IServiceProvider, and ask that when it is used.");
}
